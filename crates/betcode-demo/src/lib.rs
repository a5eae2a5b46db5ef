//! Part of BetCode.
