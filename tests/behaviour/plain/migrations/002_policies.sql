ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY tasks_owner ON tasks
    USING (owner = NULLIF(current_setting('tasks.user_id', true), '')::uuid);
