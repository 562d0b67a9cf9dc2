-- Changes the tables of version 0.1 to those of 0000_tables and drops its functions. The other migrations then create the
-- functions, as in a new database. Rows stay; src/database/upgrade-from-0-1.ts runs this file.

DROP TRIGGER IF EXISTS sync_logs_append_event ON sync_logs;
DROP TRIGGER IF EXISTS sync_logs_append_truncation ON sync_logs;
DROP TRIGGER IF EXISTS webhooks_enqueue_end ON sync_logs;
DROP TRIGGER IF EXISTS webhooks_enqueue_ended ON sync_logs;
DROP TRIGGER IF EXISTS audit_log_append_only ON audit_log;
DROP TRIGGER IF EXISTS audit_log_keep ON audit_log;

-- Each start creates the policies under their new name, for every table.
DROP POLICY IF EXISTS patient_sync_wall ON patients;
DROP POLICY IF EXISTS patient_sync_wall ON quarantine;
DROP POLICY IF EXISTS patient_sync_wall ON organizations;
DROP POLICY IF EXISTS patient_sync_wall ON cliniko_credentials;
DROP POLICY IF EXISTS patient_sync_wall ON audit_log;
DROP POLICY IF EXISTS patient_sync_wall ON sync_streams;
DROP POLICY IF EXISTS patient_sync_wall ON sync_events;
DROP POLICY IF EXISTS patient_sync_wall ON webhook_endpoints;
DROP POLICY IF EXISTS patient_sync_wall ON webhook_deliveries;
DROP POLICY IF EXISTS patient_sync_wall ON sync_logs;

DROP FUNCTION IF EXISTS sync_epoch(), sync_era_begin(text), sync_files_placed_at(),
  sync_log_status(sync_logs), sync_log_row(sync_logs), sync_log_missing_held(sync_logs),
  sync_events_append(integer, text, boolean, integer, jsonb, bigint), sync_events_append_removal(integer),
  sync_logs_append_event(), sync_logs_append_truncation(), sync_events_maintain(integer, integer),
  reserve_requests(text, integer, integer, integer), webhook_body(text, sync_logs), webhooks_enqueue(),
  without_patient_lines(jsonb, text[]), audit_log_refuse_change(), audit_log_retain(integer),
  sync_held_organizations(), sync_is_restricted(), sync_build_wall(regclass, name, boolean), sync_make_reader();

-- The seed is a part of the epoch: clients continue with the cursors that they hold.
CREATE TABLE sync_epoch_seed (seed uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL);
INSERT INTO sync_epoch_seed (seed) SELECT era FROM sync_eras;
DROP TABLE sync_eras;

CREATE TABLE sealing_key (singleton boolean PRIMARY KEY DEFAULT true NOT NULL, key_id text NOT NULL);
ALTER TABLE quarantine ALTER COLUMN id SET DATA TYPE bigint, ALTER COLUMN id SET MAXVALUE 9223372036854775807;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending';
