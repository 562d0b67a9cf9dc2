INSERT INTO sync_eras DEFAULT VALUES;
--> statement-breakpoint
-- When the files of this cluster were put where they are. PG_VERSION is written once, by initdb: a later change of its
-- status says that it was copied here, as a backup of the stopped cluster is when it is put back. '' where we may not look.
CREATE FUNCTION sync_files_placed_at() RETURNS text LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT has_function_privilege('pg_stat_file(text)', 'EXECUTE') THEN
    RETURN '';
  END IF;
  RETURN coalesce(extract(epoch FROM (pg_stat_file('PG_VERSION')).change)::text, '');
EXCEPTION WHEN insufficient_privilege OR undefined_file THEN
  RETURN '';
END
$$;
--> statement-breakpoint
-- Which history a seq belongs to. A restore or a failover begins another one: another cluster has another system
-- identifier, a promoted or recovered one another timeline, a dump that was loaded again another table, files that were
-- put back another time. What none of these tells (a machine set back to a snapshot) a server that lives through it
-- notices, and begins another era.
CREATE OR REPLACE FUNCTION sync_epoch() RETURNS text LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT substr(md5(concat_ws('/',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'public.sync_events'::regclass::oid,
    sync_files_placed_at(),
    (SELECT era FROM sync_eras LIMIT 1))), 1, 12)
$$;
--> statement-breakpoint
-- Of many servers that see the loss of the same history, the first begins the new era, for all.
CREATE FUNCTION sync_era_begin(lost_epoch text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM sync_eras FOR UPDATE;
  IF sync_epoch() = lost_epoch THEN
    UPDATE sync_eras SET era = gen_random_uuid();
  END IF;
END
$$;
