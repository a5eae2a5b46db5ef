//! Tables for the session machine's edges, and its laws under random inputs.
