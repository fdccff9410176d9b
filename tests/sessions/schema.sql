CREATE TABLE domains (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE,
    status text NOT NULL,
    views integer NOT NULL DEFAULT 0,
    data json NOT NULL DEFAULT '{}'
);
CREATE TABLE tags (
    id serial PRIMARY KEY,
    domain_id integer REFERENCES domains,
    name text NOT NULL
);
CREATE FUNCTION add_domain(name text) RETURNS integer LANGUAGE sql AS $$
    INSERT INTO domains (name, status) VALUES (name, 'new') RETURNING id
$$;
