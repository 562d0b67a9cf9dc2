-- Changes the tables of version 0.1 to those of 0000_tables. The other migrations then create or replace the functions, as in a new
-- database. Rows stay; src/database/upgrade-from-0-1.ts runs this file.

DROP TRIGGER IF EXISTS sync_logs_append_event ON sync_logs;
DROP TRIGGER IF EXISTS sync_logs_append_truncation ON sync_logs;
DROP TRIGGER IF EXISTS webhooks_enqueue_end ON sync_logs;
DROP TRIGGER IF EXISTS webhooks_enqueue_ended ON sync_logs;
DROP TRIGGER IF EXISTS audit_log_append_only ON audit_log;
DROP TRIGGER IF EXISTS audit_log_keep ON audit_log;

-- Each start creates the policies under their new name, for every table. 0.1 could force them on the owner, which would then see no
-- row in the rest of the migration.
DO $$
DECLARE
  walled regclass;
BEGIN
  FOR walled IN SELECT polrelid FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
    WHERE polname = 'patient_sync_wall' AND relnamespace = 'public'::regnamespace
  LOOP
    EXECUTE format('DROP POLICY patient_sync_wall ON %s', walled);
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', walled);
  END LOOP;
END
$$;

-- Without those that have a successor of their name: src/database/migration-journal.ts replaces them.
DROP FUNCTION IF EXISTS sync_era_begin(text), sync_logs_append_event(), sync_held_organizations(), sync_is_restricted(),
  sync_build_wall(regclass, name, boolean), sync_make_reader();

-- The seed is a part of the epoch: clients continue with the cursors that they hold.
CREATE TABLE sync_epoch_seed (seed uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL);
INSERT INTO sync_epoch_seed (seed) SELECT era FROM sync_eras;
DROP TABLE sync_eras;

CREATE TABLE sealing_key (singleton boolean PRIMARY KEY DEFAULT true NOT NULL, key_id text NOT NULL);
ALTER TABLE quarantine ALTER COLUMN id SET DATA TYPE bigint, ALTER COLUMN id SET MAXVALUE 9223372036854775807;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending';
