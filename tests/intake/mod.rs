//! The face to the internet, by real bytes against the real program.

mod bodies;
mod connections;
mod contents;
mod secrecy;
mod storage;
mod strangers;
mod wire;
