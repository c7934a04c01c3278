-- Events are asked for by pool and slot only; this index was the costliest part of writing one.
DROP INDEX event_by_session;
-- Who asked for a slot, and when last, where the former column said only that somebody had. Whoever still waits asks again.
ALTER TABLE slot DROP COLUMN asked;
ALTER TABLE slot ADD COLUMN wish TEXT;
