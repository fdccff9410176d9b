-- Two people, a and b, who must never see each other's rows, and the data that both share; and c, who may not sign in.
-- Run by the owner of the tables after all migrations.

INSERT INTO users (id, email, display_name, password_hash, base_currency, created_at, locked_until) VALUES
    ('0000000a-0000-4000-8000-000000000000', 'a@example.org', 'Ada',
     encode(sha256('ledger:secret-a'), 'hex'), 'EUR', '2024-01-01', NULL),
    ('0000000b-0000-4000-8000-000000000000', 'b@example.org', 'Béla',
     encode(sha256('ledger:secret-b'), 'hex'), 'USD', '2024-01-01', NULL),
    ('0000000c-0000-4000-8000-000000000000', 'c@example.org', 'Cem',
     encode(sha256('ledger:secret-c'), 'hex'), 'EUR', '2024-01-01', '2999-01-01');

INSERT INTO sessions (token, user_id, expires_at) VALUES
    ('token-a', '0000000a-0000-4000-8000-000000000000', now() + interval '1 day'),
    ('token-b', '0000000b-0000-4000-8000-000000000000', now() + interval '1 day'),
    ('token-old', '0000000a-0000-4000-8000-000000000000', now() - interval '1 day');

INSERT INTO households (id, owner_id, name) VALUES
    ('000000a0-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000', 'Ada at home'),
    ('000000b0-0000-4000-8000-000000000000', '0000000b-0000-4000-8000-000000000000', 'Béla at home');

INSERT INTO accounts (id, user_id, household_id, name, kind, currency, balance, closed_on) VALUES
    ('00000a01-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000',
     '000000a0-0000-4000-8000-000000000000', 'Ada Giro', 'checking', 'EUR', 850.50, NULL),
    ('00000a02-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000',
     NULL, 'Ada Dollars', 'savings', 'USD', 220.00, NULL),
    ('00000a03-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000',
     NULL, 'Ada Old', 'cash', 'EUR', 0, '2023-12-31'),
    ('00000b01-0000-4000-8000-000000000000', '0000000b-0000-4000-8000-000000000000',
     '000000b0-0000-4000-8000-000000000000', 'Béla Giro', 'checking', 'USD', 90.00, NULL),
    ('00000b02-0000-4000-8000-000000000000', '0000000b-0000-4000-8000-000000000000',
     NULL, 'Béla Empty', 'cash', 'USD', 0, NULL);

INSERT INTO categories (code, label, created_by) VALUES
    ('food', 'Food', NULL), ('rent', 'Rent', NULL), ('fun', 'Fun', NULL), ('other', 'Other', NULL),
    ('ada', 'Made by Ada', '0000000a-0000-4000-8000-000000000000');

INSERT INTO category_hints (pattern, category, weight) VALUES
    ('grocer', 'food', 5), ('bakery', 'food', 4), ('landlord', 'rent', 3), ('cinema', 'fun', 2);

INSERT INTO entries (id, user_id, account_id, booked_on, amount, payee, memo, category, cleared) VALUES
    (1, '0000000a-0000-4000-8000-000000000000', '00000a01-0000-4000-8000-000000000000',
     '2024-05-02', 2000.00, 'Employer', 'May', NULL, true),
    (2, '0000000a-0000-4000-8000-000000000000', '00000a01-0000-4000-8000-000000000000',
     '2024-05-03', -900.00, 'Landlord', 'rent', 'rent', true),
    (3, '0000000a-0000-4000-8000-000000000000', '00000a01-0000-4000-8000-000000000000',
     '2024-05-10', -249.50, 'Grocer', 'big shopping', 'food', false),
    (4, '0000000a-0000-4000-8000-000000000000', '00000a01-0000-4000-8000-000000000000',
     '2024-07-01', -12.00, 'Cinema', '', 'fun', false),
    (5, '0000000b-0000-4000-8000-000000000000', '00000b01-0000-4000-8000-000000000000',
     '2024-05-04', 100.00, 'Sister', 'thanks', NULL, true),
    (6, '0000000b-0000-4000-8000-000000000000', '00000b01-0000-4000-8000-000000000000',
     '2024-05-09', -10.00, 'Grocer', 'apples', 'food', false);
SELECT setval(pg_get_serial_sequence('entries', 'id'), 100);

INSERT INTO budgets (user_id, category, month, limit_amount, note) VALUES
    ('0000000a-0000-4000-8000-000000000000', 'food', '2024-05-01', 200.00, 'less cheese'),
    ('0000000a-0000-4000-8000-000000000000', 'rent', '2024-05-01', 900.00, NULL),
    ('0000000b-0000-4000-8000-000000000000', 'food', '2024-05-01', 50.00, 'more apples');

INSERT INTO statements (user_id, account_id, month, opening, closing) VALUES
    ('0000000a-0000-4000-8000-000000000000', '00000a01-0000-4000-8000-000000000000', '2024-03-01', 0, 10),
    ('0000000a-0000-4000-8000-000000000000', '00000a01-0000-4000-8000-000000000000', '2024-04-01', 10, 12),
    ('0000000b-0000-4000-8000-000000000000', '00000b01-0000-4000-8000-000000000000', '2024-04-01', 0, 0);

INSERT INTO attachments (id, user_id, entry_id, file_name, media_type, size_bytes) VALUES
    ('0000a001-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000', 3, 'receipt.png', 'image/png', 3000),
    ('0000a002-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000', NULL, 'Übersicht.pdf', 'application/pdf', 900),
    ('0000b001-0000-4000-8000-000000000000', '0000000b-0000-4000-8000-000000000000', NULL, 'apples.png', 'image/png', 50);

INSERT INTO rate_sources (code, base_url) VALUES ('ecb', 'https://rates.example/ecb'), ('fed', 'https://rates.example/fed');
INSERT INTO exchange_rates (base, quote, as_of, rate, source) VALUES
    ('EUR', 'USD', '2024-05-01', 1.10, 'ecb'), ('EUR', 'USD', '2024-06-01', 1.25, 'ecb'),
    ('EUR', 'CHF', '2024-05-01', 0.95, 'ecb'), ('USD', 'JPY', '2024-05-01', 150, 'fed');

INSERT INTO securities (id, ticker, name, currency) VALUES
    ('00005001-0000-4000-8000-000000000000', 'ACME', 'Acme Works', 'EUR'),
    ('00005002-0000-4000-8000-000000000000', 'ZINC', 'Zinc Mines', 'USD');
INSERT INTO prices (security_id, as_of, close) VALUES
    ('00005001-0000-4000-8000-000000000000', '2024-05-01', 10), ('00005001-0000-4000-8000-000000000000', '2024-05-31', 12);
INSERT INTO holdings (user_id, account_id, security_id, quantity) VALUES
    ('0000000a-0000-4000-8000-000000000000', '00000a01-0000-4000-8000-000000000000', '00005001-0000-4000-8000-000000000000', 7),
    ('0000000b-0000-4000-8000-000000000000', '00000b01-0000-4000-8000-000000000000', '00005002-0000-4000-8000-000000000000', 2);

INSERT INTO events (day, title) VALUES ('2024-05-01', 'May Day'), ('2024-12-25', 'Christmas');
INSERT INTO audit.events (user_id, action) VALUES
    ('0000000a-0000-4000-8000-000000000000', 'seeded'), ('0000000b-0000-4000-8000-000000000000', 'seeded');

INSERT INTO reminders (user_id, due_on, text) VALUES
    ('0000000a-0000-4000-8000-000000000000', '2024-05-20', 'pay the dentist'),
    ('0000000b-0000-4000-8000-000000000000', '2024-05-21', 'water the apples');
INSERT INTO notification_prefs (user_id, channel) VALUES
    ('0000000a-0000-4000-8000-000000000000', 'mail'), ('0000000b-0000-4000-8000-000000000000', 'mail'),
    ('0000000b-0000-4000-8000-000000000000', 'phone');

INSERT INTO savings_goals (id, user_id, name, target, saved, due_on) VALUES
    ('0000ac01-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000', 'boat', 1000, 250, '2025-01-01'),
    ('0000ac02-0000-4000-8000-000000000000', '0000000a-0000-4000-8000-000000000000', 'hat', 40, 10, NULL),
    ('0000bc01-0000-4000-8000-000000000000', '0000000b-0000-4000-8000-000000000000', 'tree', 60, 30, '2024-10-01');
