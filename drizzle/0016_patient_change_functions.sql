-- The log of changes of patients: each change of a row, by any program, becomes one numbered change in the same transaction.
--
-- A statement stores its changes in patient_changes_pending. The commit numbers them, as its last step: so the head of an
-- organization is locked only while a transaction commits, and batches that overlap do not wait for each other.

-- SECURITY DEFINER, here and below: a program that may write patients needs no right on the log.
CREATE FUNCTION patients_log_inserted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO patient_changes_pending (organization_id, kinds, cliniko_patient_ids, first_changed_at, last_changed_at, is_distinct)
  SELECT organization_id, array_fill('created'::text, ARRAY[count(*)::integer]),
    array_agg(cliniko_patient_id ORDER BY place), min(changed_at), max(changed_at), count(DISTINCT changed_at) = count(*)
  FROM (
    SELECT organization_id, cliniko_patient_id, changed_at,
      row_number() OVER (PARTITION BY organization_id ORDER BY changed_at) - 1 AS place
    FROM inserted_rows
  ) AS placed
  GROUP BY organization_id, place / 1000 ORDER BY organization_id, place / 1000;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- A row with another organization or Cliniko id is another patient: the old one is erased, the new one created.
--
-- Without nested loops: the plan of the first call, for a few rows, is also used for thousands.
CREATE FUNCTION patients_log_updated() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_nestloop = off AS $$
BEGIN
  INSERT INTO patient_changes_pending (organization_id, kinds, cliniko_patient_ids, first_changed_at, last_changed_at, is_distinct)
  SELECT organization_id, array_agg(kind ORDER BY place), array_agg(cliniko_patient_id ORDER BY place),
    min(changed_at), max(changed_at), count(DISTINCT changed_at) = count(changed_at)
  FROM (
    SELECT organization_id, cliniko_patient_id, changed_at, kind,
      row_number() OVER (PARTITION BY organization_id ORDER BY changed_at NULLS FIRST) - 1 AS place
    FROM (
      SELECT now.organization_id, now.cliniko_patient_id, now.changed_at,
        CASE
          WHEN before.id IS NULL THEN 'created'
          WHEN now.missing_since IS NOT NULL AND before.missing_since IS NULL THEN 'missing'
          WHEN now.missing_since IS NULL AND before.missing_since IS NOT NULL THEN 'returned'
          WHEN now.merged_into IS NOT NULL AND now.merged_into IS DISTINCT FROM before.merged_into THEN 'merged'
          WHEN now.archived_at IS NOT NULL AND before.archived_at IS NULL THEN 'archived'
          WHEN now.archived_at IS NULL AND before.archived_at IS NOT NULL THEN 'unarchived'
          ELSE 'updated'
        END AS kind
      FROM new_rows AS now LEFT JOIN old_rows AS before
        ON before.id = now.id AND before.organization_id = now.organization_id
        AND before.cliniko_patient_id = now.cliniko_patient_id
      WHERE before.id IS NULL OR ROW(now.*) IS DISTINCT FROM ROW(before.*)
      UNION ALL
      SELECT before.organization_id, before.cliniko_patient_id, NULL, 'erased'
      FROM old_rows AS before
      WHERE NOT EXISTS (SELECT FROM new_rows AS now WHERE now.id = before.id AND now.organization_id = before.organization_id
        AND now.cliniko_patient_id = before.cliniko_patient_id)
    ) AS changed
  ) AS placed
  GROUP BY organization_id, place / 1000 ORDER BY organization_id, place / 1000;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE FUNCTION patients_log_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO patient_changes_pending (organization_id, kinds, cliniko_patient_ids, is_distinct)
  SELECT organization_id, array_fill('erased'::text, ARRAY[count(*)::integer]),
    array_agg(cliniko_patient_id ORDER BY place), true
  FROM (
    SELECT organization_id, cliniko_patient_id,
      row_number() OVER (PARTITION BY organization_id ORDER BY cliniko_patient_id) - 1 AS place
    FROM deleted_rows
  ) AS placed
  GROUP BY organization_id, place / 1000 ORDER BY organization_id, place / 1000;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- Before the rows are gone: TRUNCATE has no transition table.
CREATE FUNCTION patients_log_truncated() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO patient_changes_pending (organization_id, kinds, cliniko_patient_ids, is_distinct)
  SELECT organization_id, array_fill('erased'::text, ARRAY[count(*)::integer]),
    array_agg(cliniko_patient_id ORDER BY place), true
  FROM (
    SELECT organization_id, cliniko_patient_id,
      row_number() OVER (PARTITION BY organization_id ORDER BY cliniko_patient_id) - 1 AS place
    FROM patients
  ) AS placed
  GROUP BY organization_id, place / 1000 ORDER BY organization_id, place / 1000;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE FUNCTION patients_touch() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  NEW.changed_at := clock_timestamp();
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- Numbers the changes of one row of patient_changes_pending, at the commit of its transaction.
--
-- changed_at was set when each row was written, so an earlier commit may hold later times, and the clock may have gone back.
-- Under the lock on the head the times are compared with those that are committed. If they are not later, which is rare, the
-- rows are written again: a reader that has seen time t finds every later change after t.
CREATE FUNCTION patient_changes_number() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  changes integer := cardinality(NEW.cliniko_patient_ids);
  stream patient_change_streams;
  moment timestamptz;
  in_order boolean;
BEGIN
  -- The lock lasts until the commit: seq has no gaps and equals the order of commits.
  SELECT * INTO stream FROM patient_change_streams WHERE organization_id = NEW.organization_id FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO patient_change_streams (organization_id, head, changed_at, writer, settled_at)
    VALUES (NEW.organization_id, 0, '-infinity', pg_current_xact_id(), '-infinity') ON CONFLICT DO NOTHING;
    SELECT * INTO stream FROM patient_change_streams WHERE organization_id = NEW.organization_id FOR UPDATE;
  END IF;
  IF stream.writer <> pg_current_xact_id() THEN
    stream.settled_at := stream.changed_at;
  END IF;
  -- Read under the lock, so it grows with seq.
  moment := clock_timestamp();

  IF NEW.first_changed_at IS NOT NULL THEN
    in_order := NEW.is_distinct AND NEW.first_changed_at > stream.settled_at AND NEW.last_changed_at <= moment;
    -- An upsert inserts and updates rows in turn, and each of the two has its own row in patient_changes_pending.
    IF in_order AND NEW.first_changed_at <= stream.changed_at THEN
      in_order := NOT EXISTS (SELECT FROM patients
        WHERE organization_id = NEW.organization_id AND changed_at BETWEEN NEW.first_changed_at AND NEW.last_changed_at
        GROUP BY changed_at HAVING count(*) > 1);
    END IF;
    IF NOT in_order THEN
      NEW.first_changed_at := greatest(stream.changed_at, moment - changes * interval '1 microsecond');
      NEW.last_changed_at := NEW.first_changed_at + changes * interval '1 microsecond';
      PERFORM set_config('patient_sync.numbering', 'on', true);
      UPDATE patients SET changed_at = NEW.first_changed_at + place * interval '1 microsecond'
      FROM (SELECT cliniko_id, max(place) AS place FROM unnest(NEW.cliniko_patient_ids) WITH ORDINALITY AS listed (cliniko_id, place)
        GROUP BY cliniko_id) AS changed
      WHERE organization_id = NEW.organization_id AND cliniko_patient_id = cliniko_id;
      PERFORM set_config('patient_sync.numbering', 'off', true);
    END IF;
  END IF;

  UPDATE patient_change_streams SET head = stream.head + changes, writer = pg_current_xact_id(), settled_at = stream.settled_at,
    changed_at = greatest(stream.changed_at, NEW.last_changed_at)
  WHERE organization_id = NEW.organization_id;
  INSERT INTO patient_changes (organization_id, seq, at, sync_log_id, kinds, cliniko_patient_ids)
  VALUES (NEW.organization_id, stream.head + changes, moment, nullif(current_setting('patient_sync.run', true), '')::integer,
    NEW.kinds, NEW.cliniko_patient_ids);
  DELETE FROM patient_changes_pending WHERE id = NEW.id;

  -- As for events: our servers send nudges after their commit, this one is for changes of other programs.
  IF current_setting('patient_sync.nudges', true) IS DISTINCT FROM 'own' THEN
    PERFORM pg_notify('patient_sync', 'e:' || NEW.organization_id);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- For statements that do not set changed_at. Our upsert sets it, which costs no call of a function.
CREATE TRIGGER patients_touch BEFORE UPDATE ON patients FOR EACH ROW
WHEN (NEW.changed_at = OLD.changed_at AND
  (NEW.id, NEW.organization_id, NEW.cliniko_patient_id, NEW.first_name, NEW.last_name, NEW.email, NEW.phone,
   NEW.date_of_birth, NEW.archived_at, NEW.merged_into, NEW.missing_since, NEW.held_since, NEW.created_at,
   NEW.updated_at, NEW.content_hash, NEW.warnings, NEW.stored_at, NEW.raw)
  IS DISTINCT FROM
  (OLD.id, OLD.organization_id, OLD.cliniko_patient_id, OLD.first_name, OLD.last_name, OLD.email, OLD.phone,
   OLD.date_of_birth, OLD.archived_at, OLD.merged_into, OLD.missing_since, OLD.held_since, OLD.created_at,
   OLD.updated_at, OLD.content_hash, OLD.warnings, OLD.stored_at, OLD.raw))
EXECUTE FUNCTION patients_touch();
--> statement-breakpoint
CREATE TRIGGER patients_log_inserted AFTER INSERT ON patients REFERENCING NEW TABLE AS inserted_rows
FOR EACH STATEMENT EXECUTE FUNCTION patients_log_inserted();
--> statement-breakpoint
CREATE TRIGGER patients_log_updated AFTER UPDATE ON patients REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT WHEN (current_setting('patient_sync.numbering', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION patients_log_updated();
--> statement-breakpoint
CREATE TRIGGER patients_log_deleted AFTER DELETE ON patients REFERENCING OLD TABLE AS deleted_rows
FOR EACH STATEMENT EXECUTE FUNCTION patients_log_deleted();
--> statement-breakpoint
CREATE TRIGGER patients_log_truncated BEFORE TRUNCATE ON patients
FOR EACH STATEMENT EXECUTE FUNCTION patients_log_truncated();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER patient_changes_number AFTER INSERT ON patient_changes_pending
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION patient_changes_number();
--> statement-breakpoint
-- ALWAYS: a program that bypasses triggers with session_replication_role changes patients too.
ALTER TABLE patients ENABLE ALWAYS TRIGGER patients_touch, ENABLE ALWAYS TRIGGER patients_log_inserted,
  ENABLE ALWAYS TRIGGER patients_log_updated, ENABLE ALWAYS TRIGGER patients_log_deleted,
  ENABLE ALWAYS TRIGGER patients_log_truncated;
--> statement-breakpoint
ALTER TABLE patient_changes_pending ENABLE ALWAYS TRIGGER patient_changes_number;
--> statement-breakpoint
-- The daily partitions of one log: those of today and the next days are created, those older than the retention dropped.
CREATE FUNCTION sync_partitions_maintain(log regclass, retention_days integer, days_ahead integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  day date;
  day_name text;
  partition regclass;
BEGIN
  FOR day IN SELECT today + n FROM generate_series(0, days_ahead) AS n LOOP
    day_name := log::text || '_' || to_char(day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass(day_name) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
        day_name, log, day::timestamp AT TIME ZONE 'utc', (day + 1)::timestamp AT TIME ZONE 'utc');
      PERFORM sync_close_partition(day_name::regclass);
    EXCEPTION WHEN check_violation THEN
      NULL; -- Rows of that day are in the default partition already, and stay there.
    END;
  END LOOP;
  FOR partition IN
    SELECT inhrelid::regclass FROM pg_inherits
    WHERE inhparent = log
      AND to_date(substring(inhrelid::regclass::text FROM '_([0-9]{8})$'), 'YYYYMMDD') < today - retention_days
  LOOP
    EXECUTE format('DROP TABLE %s', partition);
  END LOOP;
  EXECUTE format('DELETE FROM %I WHERE at < $1', log::text || '_other')
  USING (today - retention_days)::timestamp AT TIME ZONE 'utc';
END
$$;
--> statement-breakpoint
-- Both logs have the same retention. SECURITY DEFINER and the limit of the lock: see 0003_event_log_partitions.
CREATE OR REPLACE FUNCTION sync_events_maintain(retention_days integer, days_ahead integer) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('patient-sync event partitions'));
  PERFORM sync_partitions_maintain('sync_events', retention_days, days_ahead);
  PERFORM sync_partitions_maintain('patient_changes', retention_days, days_ahead);
END
$$;
--> statement-breakpoint
SELECT sync_events_maintain(14, 7);
--> statement-breakpoint
-- The patients that a clinic has now. Without `raw`, so that a reader without the right on that column can use it.
CREATE VIEW patients_current AS
SELECT id, organization_id, cliniko_patient_id, first_name, last_name, email, phone, date_of_birth, archived_at, held_since,
  created_at, updated_at, warnings, stored_at, changed_at
FROM patients WHERE missing_since IS NULL AND merged_into IS NULL;
--> statement-breakpoint
-- With the rights of the reader, so that row-level security applies. PostgreSQL 14 does not know the setting: there only the owner
-- and the roles of DATABASE_READERS, which see all rows, get a right on the view.
DO $$
BEGIN
  IF current_setting('server_version_num')::integer >= 150000 THEN
    ALTER VIEW patients_current SET (security_invoker = true);
  END IF;
END
$$;
