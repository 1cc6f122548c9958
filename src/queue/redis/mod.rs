//! The queue on Redis: Lua scripts on one hash tag, Redis' own clock.
