-- Run at each start through the local socket: the role's password is always the Secret's.
\set ON_ERROR_STOP on
\getenv password POSTGRES_PASSWORD
SET log_min_error_statement = panic;
SELECT 'CREATE ROLE realtime LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'realtime') \gexec
ALTER ROLE realtime LOGIN PASSWORD :'password';
SELECT 'CREATE DATABASE realtime OWNER realtime' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'realtime') \gexec
