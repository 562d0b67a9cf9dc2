-- A standby that is promoted before it has flushed the sequence of an unlogged table has no first page of it ("bad magic number in
-- sequence"), and each change of a patient failed there for good. PostgreSQL flushes such a page of a table and of an index at once, and
-- forgets that of a sequence. Before PostgreSQL 15 every sequence is logged.
-- A damaged one cannot be read, so it cannot be altered. No row outlives its transaction, so the numbers may begin again.
DO $$
BEGIN
  IF (SELECT relpersistence FROM pg_class WHERE oid = 'patient_changes_pending_id_seq'::regclass) = 'u' THEN
    ALTER TABLE patient_changes_pending ALTER COLUMN id DROP IDENTITY;
    ALTER TABLE patient_changes_pending ALTER COLUMN id
      ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME patient_changes_pending_id_seq);
    EXECUTE 'ALTER SEQUENCE patient_changes_pending_id_seq SET LOGGED';
  END IF;
END
$$;
