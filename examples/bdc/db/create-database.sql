-- Runs once, on the first start. The password is that of a test installation.
CREATE ROLE bdc_user LOGIN PASSWORD 'test-only-bdc-1f62';
CREATE DATABASE bdc_db OWNER bdc_user;
