CREATE TABLE curated.weather_observation (
  city                   text             NOT NULL,
  observed_at            timestamptz      NOT NULL,
  latitude               double precision,
  longitude              double precision,
  temperature_c          double precision NOT NULL,
  apparent_temperature_c double precision,
  humidity               double precision,
  precip_intensity       double precision,
  precip_probability     double precision,
  precip_type            text,
  visibility_km          double precision,
  wind_speed_ms          double precision,
  pressure_hpa           double precision,
  PRIMARY KEY (city, observed_at)
);

CREATE INDEX weather_observation_time ON curated.weather_observation (observed_at);

COMMENT ON TABLE curated.weather_observation IS
  'The weather by city and time, each observation once; a correction replaces what was there';
COMMENT ON COLUMN curated.weather_observation.temperature_c IS 'Degrees Celsius';
COMMENT ON COLUMN curated.weather_observation.apparent_temperature_c IS 'Degrees Celsius';
COMMENT ON COLUMN curated.weather_observation.humidity IS '0 to 1';
COMMENT ON COLUMN curated.weather_observation.precip_intensity IS 'Millimetres per hour';
COMMENT ON COLUMN curated.weather_observation.precip_probability IS '0 to 1';
COMMENT ON COLUMN curated.weather_observation.precip_type IS 'rain, snow, sleet or hail; null when dry';
COMMENT ON COLUMN curated.weather_observation.visibility_km IS 'Kilometres';
COMMENT ON COLUMN curated.weather_observation.wind_speed_ms IS 'Metres per second';
COMMENT ON COLUMN curated.weather_observation.pressure_hpa IS 'Hectopascals';
