-- What some probes need and the sample has not. Run by the owner of the tables after the sample's own migrations.

-- The policy that the sample had once (010_attachment_policy.sql): '' is no uuid.
CREATE TABLE probe_secrets (user_id uuid NOT NULL REFERENCES users (id), text text NOT NULL);
ALTER TABLE probe_secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY probe_secrets_owner ON probe_secrets USING (user_id = current_setting('app.user_id', true)::uuid);
INSERT INTO probe_secrets SELECT id, 'of ' || display_name FROM users;
