//! The worker on the embedded engine: what becomes of jobs whose handlers behave, and of those whose handlers do not.
//!
//! The handler of these tests does what its payload says, and stops at a gate that the test opens; so a test knows
//! where every job stands without looking at a clock.

mod overrun;
mod road;
mod shop;
mod terms;
