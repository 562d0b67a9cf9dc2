-- The lines of a run ("Patient ID 12345: Invalid phone number format") without those about these patients; null: without all.
CREATE FUNCTION without_patient_lines(lines jsonb, ids text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN jsonb_typeof(lines) IS DISTINCT FROM 'array' THEN lines
    WHEN ids IS NULL THEN '[]'
    ELSE coalesce((
      SELECT jsonb_agg(line ORDER BY place)
      FROM jsonb_array_elements(CASE jsonb_typeof(lines) WHEN 'array' THEN lines ELSE '[]' END)
        WITH ORDINALITY AS listed (line, place)
      WHERE substring(line #>> '{}' FROM '^Patient ID ([0-9]+):') = ANY (ids) IS NOT TRUE), '[]')
  END
$$;
