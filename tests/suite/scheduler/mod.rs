//! Schedulers on an engine whose clock only the test moves, each rule on every engine.
//!
//! - `ticks`: each tick is had once, whoever looks, whatever the clock does.
//! - `missed`: what becomes of ticks that nobody was there for.
//! - `file`: schedules of the file, beside those of the API.
//!
//! `office` is where they stand.

mod file;
mod missed;
mod office;
mod ticks;

/// Stamps tests on one engine: a module an engine, in it a module a theme.
macro_rules! on {
    ($engine:ident on $open:path; $($theme:ident { $($name:ident,)+ })+) => {
        mod $engine {
            $(mod $theme {
                $(#[test]
                fn $name() {
                    crate::scheduler::$theme::$name(&$open());
                })+
            })+
        }
    };
}

macro_rules! on_engine {
    ($engine:ident on $bench:path) => {
        on! {
            $engine on $bench;
            ticks {
                three_daemons_have_each_tick_once,
                a_daemon_that_is_killed_between_takes_no_tick_with_it,
                ticks_begin_after_the_creation_and_do_not_drift,
                a_change_holds_from_the_next_tick_on,
                what_is_disabled_has_no_ticks_and_makes_up_for_none,
                a_tick_is_skipped_while_the_last_job_lives,
                a_refused_job_is_reported_and_stops_no_other,
                a_clock_set_back_fires_nothing_again,
                a_clock_set_back_far_begins_anew,
                a_lost_answer_neither_loses_nor_doubles_a_tick,
                a_full_engine_delays_ticks,
            }
            missed {
                a_daemon_that_was_down_catches_up_as_the_schedule_says,
                a_clock_set_forward_is_time_that_was_missed,
                an_engine_that_was_away_is_time_that_was_missed,
                a_short_absence_is_only_late,
                catching_up_is_bounded,
            }
            file {
                schedules_of_the_file_are_made_and_changed_with_it,
                what_was_paused_stays_paused_until_the_file_says_otherwise,
                daemons_with_the_same_file_leave_each_other_alone,
                what_no_file_names_any_more_is_kept_and_does_not_fire,
                a_file_takes_over_what_the_api_made,
                a_reload_is_followed,
                a_schedule_belongs_to_its_file,
            }
        }
    };
}

on_engine!(sqlite on crate::support::engines::sqlite_queue);
on_engine!(redis on crate::support::engines::redis_queue);
