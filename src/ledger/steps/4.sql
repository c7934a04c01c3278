-- Events are asked for by pool and slot only; this index was the costliest part of writing one.
DROP INDEX event_by_session;
