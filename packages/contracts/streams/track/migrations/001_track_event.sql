CREATE TABLE curated.track_event (
  event_id               text        NOT NULL,
  type                   text        NOT NULL,
  event_name             text,
  anonymous_id           text,
  user_id                text,
  occurred_at            timestamptz NOT NULL,
  received_at            timestamptz NOT NULL,
  city                   text,
  timezone               text,
  os_name                text,
  device_type            text,
  app_version            text,
  latitude               double precision,
  longitude              double precision,
  properties             jsonb,
  weather_match          text,
  weather_city           text,
  weather_age_s          bigint,
  weather_observed_at    timestamptz,
  temperature_c          double precision,
  apparent_temperature_c double precision,
  humidity               double precision,
  precip_intensity       double precision,
  precip_probability     double precision,
  precip_type            text,
  visibility_km          double precision,
  wind_speed_ms          double precision,
  pressure_hpa           double precision,
  PRIMARY KEY (event_id, occurred_at)
) PARTITION BY RANGE (occurred_at);

-- A day's partition is small enough to scan; these are for one kind of event, one user, and a part of a day.
CREATE INDEX track_event_name_time ON curated.track_event (event_name, occurred_at);
CREATE INDEX track_event_user_time ON curated.track_event (user_id, occurred_at) WHERE user_id IS NOT NULL;
CREATE INDEX track_event_time ON curated.track_event USING brin (occurred_at);

COMMENT ON TABLE curated.track_event IS
  'What users did, each event once, with the weather at its place and time. One partition a UTC day of occurred_at: a condition on occurred_at reads only its days';
COMMENT ON COLUMN curated.track_event.event_id IS 'The SDK''s messageId, else a UUID of the content';
COMMENT ON COLUMN curated.track_event.type IS 'track, page, screen, identify, group or alias';
COMMENT ON COLUMN curated.track_event.occurred_at IS
  'When it happened; for events over HTTP corrected by the device''s clock error';
COMMENT ON COLUMN curated.track_event.received_at IS 'When Windrow had it';
COMMENT ON COLUMN curated.track_event.properties IS
  'What the application sent with it; a number of it: (properties->>''price'')::double precision';
COMMENT ON COLUMN curated.track_event.weather_match IS
  'matched; stale (the latest observation was too old); missing (none of that city); no_location (the event has no place)';
COMMENT ON COLUMN curated.track_event.weather_city IS 'The city whose weather this is';
COMMENT ON COLUMN curated.track_event.weather_age_s IS 'Seconds from the observation to the event';
COMMENT ON COLUMN curated.track_event.temperature_c IS 'Degrees Celsius';
COMMENT ON COLUMN curated.track_event.apparent_temperature_c IS 'Degrees Celsius';
COMMENT ON COLUMN curated.track_event.humidity IS '0 to 1';
COMMENT ON COLUMN curated.track_event.precip_intensity IS 'Millimetres per hour';
COMMENT ON COLUMN curated.track_event.precip_probability IS '0 to 1';
COMMENT ON COLUMN curated.track_event.precip_type IS
  'rain, snow, sleet or hail; null: dry where weather_match is matched, else unknown';
COMMENT ON COLUMN curated.track_event.visibility_km IS 'Kilometres';
COMMENT ON COLUMN curated.track_event.wind_speed_ms IS 'Metres per second';
COMMENT ON COLUMN curated.track_event.pressure_hpa IS 'Hectopascals';
