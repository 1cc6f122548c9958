//! One suite of promises, run against every engine: the queue's Q1 … Q15, the storage's S1 … S7.
//!
//! A test here is a function of a bench; [`queue_contract`] and [`storage_contract`] stamp them all on one engine.
//! The comment on each names the promise it tests, by its number in the docs of `windlass::queue` and
//! `windlass::storage`; `tidy` checks that every number is tested and that every named number exists.

mod bells;
mod bounds;
mod calendar;
mod cancel;
mod counters;
mod deletion;
mod due;
mod enqueue;
mod expiry;
mod idempotency;
mod lease;
mod lists;
mod nodes;
mod outbox;
mod pages;
mod purge;
mod reserve;
mod retry;
mod settle;
mod storage;
mod ticks;
mod unique;
mod weights;

/// Stamps tests on one engine: a module an engine, in it a module a theme, so that either can be run alone.
macro_rules! contract {
    ($engine:ident on $open:path; $($theme:ident { $($name:ident,)+ })+) => {
        mod $engine {
            $(mod $theme {
                $(#[test]
                fn $name() {
                    crate::contract::$theme::$name(&$open());
                })+
            })+
        }
    };
}

/// Stamps every test of the queue on one engine.
macro_rules! queue_contract {
    ($engine:ident on $bench:path) => {
        contract! {
            $engine on $bench;
            enqueue {
                an_accepted_job_survives_a_restart,
                a_job_keeps_every_field_and_digit,
                a_queue_gives_its_jobs_in_order,
                a_repeated_enqueue_changes_nothing,
                a_lost_enqueue_can_be_repeated,
                numbers_belong_to_their_caller,
                a_thousand_submissions_fit_one_call,
                a_job_for_later_is_scheduled_and_one_for_the_past_is_not,
            }
            reserve {
                no_job_is_lent_to_two,
                a_repeated_reserve_answers_the_same_leases,
                a_repeated_reserve_leaves_out_what_has_ended,
                a_lease_says_what_the_worker_needs,
                only_the_named_queues_are_taken_from,
                a_reserve_of_nothing_keeps_the_queue_going,
                the_answer_says_when_something_happens_next,
                a_spent_ticket_in_the_line_is_passed_over,
                the_answer_counts_the_outbox,
                a_lease_belongs_to_the_node_that_asked,
            }
            settle {
                end_and_outbox_entry_appear_together,
                a_spent_ticket_changes_nothing,
                ended_is_final,
                a_retry_waits_and_counts,
                a_dead_job_keeps_its_error_and_attempts,
                a_repeated_settlement_changes_nothing,
                a_slice_is_answered_in_order,
                the_attempts_that_are_kept_are_bounded,
            }
            lease {
                no_ticket_number_is_leased_twice,
                a_lost_lease_costs_one_crash,
                a_job_that_keeps_killing_its_process_is_quarantined,
                a_renewed_lease_holds,
                progress_lives_as_long_as_the_lease,
                an_absent_engine_costs_no_crash,
                a_renewal_after_an_absence_spares_all_leases,
                a_clock_set_back_makes_no_lease_longer,
                a_release_costs_nothing,
                a_release_for_later_waits,
                a_released_attempt_is_kept_and_not_counted,
            }
            due {
                a_scheduled_job_is_never_early,
                a_retry_is_never_early,
                a_clock_set_back_makes_nothing_early,
                due_jobs_line_up_by_their_times,
                due_jobs_of_other_queues_are_moved_too,
                a_job_can_be_made_due,
                a_job_made_due_rings,
                a_suspect_made_due_stays_one,
            }
            retry {
                an_ended_job_is_run_again_once,
                clicks_at_once_are_one,
                an_outdated_retry_is_refused,
                a_deleted_retry_makes_room_for_another,
                a_retry_respects_the_unique_key,
                a_retry_can_be_repeated,
            }
            purge {
                a_purge_ends_all_that_waits,
                a_purged_job_gives_up_its_key,
                what_comes_after_a_purge_stays,
                a_purge_is_worked_off_in_pieces,
                a_purge_survives_a_restart,
                condemned_is_not_lent,
                a_purge_can_follow_another,
                a_purge_rings_and_can_be_repeated,
                a_lost_lease_is_not_purged,
                a_condemned_job_holds_its_key_until_it_ends,
            }
            weights {
                full_queues_share_by_weight,
                what_one_queue_leaves_goes_to_the_others,
                strict_order_takes_from_the_first_that_has_work,
                a_limit_holds_over_all_nodes,
                suspects_come_one_at_a_time,
                a_call_takes_at_most_one_suspect,
                a_suspect_stays_one_until_it_ends,
            }
            unique {
                one_live_job_a_key,
                every_end_frees_the_key,
                a_key_twice_in_one_call_is_one_job,
                a_race_for_a_key_has_one_winner,
                a_key_for_a_while_passes_on,
                keys_do_not_meddle_with_each_other,
            }
            idempotency {
                the_same_request_is_answered_as_before,
                another_request_with_the_same_key_is_refused,
                a_key_twice_in_one_call_is_one_submission,
                a_key_is_forgotten_after_the_window,
                the_number_of_keys_is_bounded,
            }
            expiry {
                a_waiting_job_expires_wherever_it_waits,
                an_expired_job_is_not_lent,
                a_running_job_does_not_expire,
            }
            outbox {
                a_claim_lasts_a_minute,
                what_is_stored_is_forgotten,
                a_live_job_cannot_be_stored_away,
                recorders_share_the_outbox,
                the_outbox_survives_a_restart,
            }
            cancel {
                a_waiting_job_ends_at_once,
                the_worker_of_a_running_job_is_asked,
                a_success_outruns_a_cancel,
                a_cancel_request_is_not_forgotten_on_the_way_back,
                a_cancel_can_be_repeated,
                a_paused_queue_gives_nothing,
            }
            bells {
                a_submission_wakes_who_waits,
                an_empty_queue_is_silent,
                what_is_left_keeps_ringing,
                a_due_job_rings,
                every_way_back_rings,
                a_resumed_queue_rings,
                a_freed_place_in_a_full_queue_rings,
                any_of_several_queues_wakes,
            }
            calendar {
                entries_are_kept_by_name,
                a_change_needs_the_present_revision,
                a_tick_of_a_changed_entry_is_not_had,
                ticks_count_afresh,
                the_number_of_entries_is_bounded,
                entries_of_any_size_are_all_read,
            }
            ticks {
                a_tick_is_had_once,
                a_tick_is_never_early,
                a_race_for_a_tick_has_one_winner,
                a_claim_can_be_repeated,
                a_tick_meets_a_unique_key,
                a_tick_passes_without_a_job,
                a_tick_passes_while_the_last_job_lives,
                a_job_out_of_turn_is_accepted_once,
                a_clock_set_back_neither_doubles_nor_stops_ticks,
            }
            nodes {
                nodes_are_known_while_they_beat,
                the_heir_takes_the_dead_nodes_leases_back,
                a_late_take_over_spares_what_was_lent_since,
                an_inherited_crash_counts_like_any_other,
            }
            counters {
                every_move_is_counted,
                a_ticket_without_a_job_is_not_counted,
                queues_are_listed_by_name,
                totals_are_kept_by_state,
            }
            lists {
                a_line_lists_what_a_reserve_then_gives,
                suspects_are_listed_apart,
                waiting_jobs_are_listed_as_they_come_due,
                running_jobs_are_listed_by_when_they_were_lent,
                ended_jobs_are_listed_until_they_are_stored,
                a_call_looks_at_a_bounded_part,
                pages_follow_a_line_that_moves,
                pages_follow_a_line_that_moves_far,
                a_queue_tells_since_when_its_next_job_waits,
            }
            bounds {
                due_jobs_are_moved_in_pieces,
                no_call_lends_more_than_its_bound,
                leases_run_out_in_pieces,
                a_node_with_many_leases_is_taken_over,
                jobs_expire_in_pieces,
                a_call_answers_with_bounded_bodies,
                a_body_above_the_bound_comes_alone,
            }
        }
    };
}

/// Stamps every test of storage on one engine.
macro_rules! storage_contract {
    ($engine:ident on $shelf:path) => {
        contract! {
            $engine on $shelf;
            storage {
                a_record_stored_twice_is_one_row,
                recorders_may_overlap,
                a_bad_record_stops_no_other,
                what_is_acknowledged_is_readable,
                retention_counts_from_the_end,
                migrations_may_race,
                minutes_count_each_record_once,
            }
            pages {
                pages_neither_repeat_nor_miss,
                a_long_history_is_read_once_while_it_grows,
                a_page_tells_what_the_records_do,
                filters_find_what_they_name,
                rare_matches_come_in_pages_that_end_early,
            }
            deletion {
                a_deleted_record_stays_away,
                a_deletion_races_with_recorders,
                a_deleted_record_is_still_counted,
                deletions_are_forgotten_with_history,
                retries_are_found_by_what_they_ran_again,
                retries_are_known_as_long_as_they_are_kept,
                a_record_without_its_content_says_so,
            }
        }
    };
}

queue_contract!(sqlite on crate::support::engines::sqlite_queue);
queue_contract!(redis on crate::support::engines::redis_queue);
storage_contract!(postgres on crate::support::engines::postgres_storage);
storage_contract!(sqlite_storage on crate::support::engines::sqlite_storage);
