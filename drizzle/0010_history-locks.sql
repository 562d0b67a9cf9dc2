-- A partition comes and goes under a lock that waits for whoever reads the log, such as a backup, and everybody who writes
-- waits behind it. So it waits for a second at most: there are days ahead, and the next hour tries again.
ALTER FUNCTION sync_events_maintain(integer, integer) SET lock_timeout = '1s';
