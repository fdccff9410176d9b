DELETE FROM tags;
DELETE FROM domains;
ALTER SEQUENCE tags_id_seq RESTART;
ALTER SEQUENCE domains_id_seq RESTART;
INSERT INTO domains (name, status) VALUES ('alpha', 'new'), ('beta', 'done');
INSERT INTO tags (domain_id, name) VALUES (1, 'first'), (2, 'second');
