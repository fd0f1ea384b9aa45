//! What the scheduler does, one behaviour a file, told through its door and nothing else.

mod desk;
mod store;

mod absence;
mod answers;
mod back_off;
mod clock_set;
mod constraints;
mod default_never;
mod floor;
mod host_stopping;
mod lost_wakes;
mod one_wake_per_app;
mod orphans;
mod overrun_penalty;
mod random_life;
mod refusals;
mod removal;
mod same_inputs;
mod simulated_fetch;
mod store_unwritable;
mod switches;
mod texts;
mod together;
