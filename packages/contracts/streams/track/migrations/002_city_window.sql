CREATE TABLE curated.city_window (
  window_start        timestamptz      NOT NULL,
  city                text             NOT NULL,
  event_name          text             NOT NULL,
  events              bigint           NOT NULL DEFAULT 0,
  matched_events      bigint           NOT NULL DEFAULT 0,
  wet_events          bigint           NOT NULL DEFAULT 0,
  temperature_c_sum   double precision NOT NULL DEFAULT 0,
  temperature_c_count bigint           NOT NULL DEFAULT 0,
  avg_temperature_c   double precision GENERATED ALWAYS AS (temperature_c_sum / nullif(temperature_c_count, 0)) STORED,
  wet_share           double precision GENERATED ALWAYS AS (wet_events::double precision / nullif(matched_events, 0)) STORED,
  PRIMARY KEY (window_start, city, event_name)
  -- Recent windows are updated with every micro-batch.
) WITH (fillfactor = 70);

CREATE INDEX city_window_city_time ON curated.city_window (city, window_start);

COMMENT ON TABLE curated.city_window IS
  'Events by window of 10 minutes (UTC, by occurred_at), city and name; kept up with every micro-batch, late events included';
COMMENT ON COLUMN curated.city_window.window_start IS 'The window is window_start <= occurred_at < window_start + 10 minutes';
COMMENT ON COLUMN curated.city_window.city IS 'The city whose weather was joined, else the event''s own; empty where it has none';
COMMENT ON COLUMN curated.city_window.event_name IS 'Empty for events without a name';
COMMENT ON COLUMN curated.city_window.matched_events IS 'Those whose weather is known';
COMMENT ON COLUMN curated.city_window.wet_events IS 'Those in rain, snow, sleet or hail';
COMMENT ON COLUMN curated.city_window.avg_temperature_c IS 'Mean over the events, not over the time; null where no temperature is known';
COMMENT ON COLUMN curated.city_window.wet_share IS 'Of the events whose weather is known, 0 to 1; null where it is known of none';
