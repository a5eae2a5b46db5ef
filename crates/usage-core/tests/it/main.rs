//! The crate from outside: a month of everything that can go wrong, bytes that mean nothing, and tokens that show nowhere.
#![cfg(test)]

mod bytes;
mod days;
mod random;
mod secrets;
