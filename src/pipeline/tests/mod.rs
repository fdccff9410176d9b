//! The pipeline on modules that nobody wrote, and with several migrations.

mod hits;
mod lanes;
mod modules;
mod properties;
