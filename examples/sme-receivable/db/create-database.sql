-- Runs once, on the first start. The password is that of a test installation.
CREATE ROLE sme_user LOGIN PASSWORD 'test-only-sme-98d1';
CREATE DATABASE sme_platform_db OWNER sme_user;
