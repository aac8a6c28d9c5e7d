//! Lists for people and programs, read from the file while the engine runs and while it does not.
