CREATE VIEW curated.window_total AS
SELECT
  window_start,
  window_start + interval '10 minutes' AS window_end,
  sum(events)::bigint AS events,
  sum(matched_events)::bigint AS matched_events,
  sum(wet_events)::bigint AS wet_events,
  sum(temperature_c_sum) / nullif(sum(temperature_c_count), 0) AS avg_temperature_c
FROM curated.city_window
GROUP BY window_start;
COMMENT ON VIEW curated.window_total IS 'Each 10-minute window that has events, over all cities and names';

CREATE VIEW curated.busiest_window AS
SELECT window_start, window_end, events
FROM curated.window_total
ORDER BY events DESC, window_start
LIMIT 1;
COMMENT ON VIEW curated.busiest_window IS 'The 10-minute window with the most events; of equal ones the earliest';

CREATE VIEW curated.events_per_window AS
SELECT
  count(*) AS windows_with_events,
  sum(events)::bigint AS events,
  avg(events)::double precision AS avg_events,
  sum(events)::double precision
    / nullif(extract(epoch FROM max(window_end) - min(window_start))::double precision / 600, 0) AS avg_events_with_empty_windows,
  max(events) AS max_events
FROM curated.window_total;
COMMENT ON VIEW curated.events_per_window IS
  'The average number of events a window: of those that have any, and of all from the first to the last';

CREATE VIEW curated.hour_by_weather AS
SELECT
  date_bin('1 hour', window_start, timestamptz '1970-01-01 00:00:00+00') AS hour_start,
  sum(events)::bigint AS events,
  sum(wet_events)::bigint AS wet_events,
  sum(matched_events - wet_events)::bigint AS dry_events,
  sum(events - matched_events)::bigint AS events_of_unknown_weather
FROM curated.city_window
GROUP BY 1;
COMMENT ON VIEW curated.hour_by_weather IS
  'An hour''s events with and without rain (snow, sleet and hail are wet too)';

CREATE FUNCTION curated.property_by_weather(property text, event text DEFAULT NULL)
RETURNS TABLE (weather text, events bigint, mean double precision, minimum double precision, maximum double precision)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT
    CASE WHEN precip_type IS NULL THEN 'dry' ELSE 'wet' END,
    count(*),
    avg((properties ->> property)::double precision),
    min((properties ->> property)::double precision),
    max((properties ->> property)::double precision)
  FROM curated.track_event
  WHERE weather_match = 'matched'
    AND (event IS NULL OR event_name = event)
    AND CASE jsonb_typeof(properties -> property) WHEN 'number' THEN true ELSE false END
  GROUP BY 1
  ORDER BY 1
$$;
COMMENT ON FUNCTION curated.property_by_weather IS
  'A number of properties in wet and in dry weather: SELECT * FROM curated.property_by_weather(''price'', ''Order Completed''). Events without that number, and of unknown weather, are left out';
