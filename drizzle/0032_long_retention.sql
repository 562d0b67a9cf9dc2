-- Runs of a deleted organization tell nothing about a later one with its id.
ALTER TABLE "sync_streams" ADD COLUMN "erased_at" timestamp with time zone;--> statement-breakpoint
UPDATE sync_streams AS stream SET erased_at = deleted.at FROM (
  SELECT organization_id, max(at) AS at FROM audit_log WHERE action = 'organization.delete' GROUP BY organization_id
) AS deleted WHERE deleted.organization_id = stream.organization_id;--> statement-breakpoint
COMMENT ON COLUMN sync_streams.erased_at IS 'When the clinic was deleted last; null: never.';--> statement-breakpoint
CREATE INDEX "sync_runs_ended" ON "sync_runs" USING btree ("ended_at") WHERE ended_at is not null;
--> statement-breakpoint
-- When the rows of each daily or wider partition of a log begin and end. The bounds are read as text, so the function sets how a time
-- is written.
CREATE FUNCTION sync_partition_ranges(log regclass) RETURNS TABLE (partition regclass, begins date, ends date)
LANGUAGE sql STABLE SET datestyle = 'ISO' SET timezone = 'UTC' AS $$
  SELECT partition, bounds[1]::timestamptz::date, bounds[2]::timestamptz::date
  FROM (
    SELECT oid::regclass AS partition, regexp_match(pg_get_expr(relpartbound, oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') AS bounds
    FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = log
  ) AS bounded
  WHERE bounds IS NOT NULL
$$;
--> statement-breakpoint
-- The partitions of one log: those of today and the next days are created, those older than the retention dropped.
--
-- A read locks every partition. With a partition for each day of ten years, four sessions filled the lock table of PostgreSQL, and it
-- planned each read for half a second. So a log has about 30, however long its retention is: up to 59 days one a day, for a year one for
-- 12 days. A partition that was created with another width stays until its time.
CREATE OR REPLACE FUNCTION sync_partitions_maintain(log regclass, retention_days integer, days_ahead integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  width integer := greatest(1, retention_days / 30);
  days integer := width;
  day date := today;
  following date;
  day_name text;
  partition regclass;
BEGIN
  WHILE day <= today + days_ahead LOOP
    SELECT ends INTO following FROM sync_partition_ranges(log) WHERE begins <= day AND day < ends;
    IF FOUND THEN
      day := following;
      CONTINUE;
    END IF;
    SELECT least(day + days, min(begins)) INTO following FROM sync_partition_ranges(log) WHERE begins > day;
    day_name := log::text || '_' || to_char(day, 'YYYYMMDD');
    BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
        day_name, log, day::timestamp AT TIME ZONE 'utc', following::timestamp AT TIME ZONE 'utc');
      PERFORM sync_close_partition(day_name::regclass);
      day := following;
      days := width;
    EXCEPTION WHEN check_violation OR duplicate_table THEN
      -- Rows of these days are in the default partition already, and stay there. Of several days the first may have none. Or a person has
      -- detached the partition, and its table has the name: then the default partition takes the day.
      day := CASE WHEN days = 1 THEN day + 1 ELSE day END;
      days := CASE WHEN days = 1 THEN width ELSE 1 END;
    END;
  END LOOP;
  FOR partition IN
    SELECT ranges.partition FROM sync_partition_ranges(log) AS ranges WHERE ends <= today - retention_days
  LOOP
    EXECUTE format('DROP TABLE %s', partition);
  END LOOP;
  EXECUTE format('DELETE FROM %I WHERE at < $1', log::text || '_other')
  USING (today - retention_days)::timestamp AT TIME ZONE 'utc';
END
$$;
