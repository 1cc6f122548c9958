//! What is accepted: kept, in order, digit for digit, and once.

use windlass::job::{Backoff, Job, JobId, State};
use windlass::queue::{Accepted, Call, Queue as _, Submitted};

use crate::support::bench::{Bench, json, secs, submission};
use crate::support::flaky::{Flaky, Lost};

/// Q1: jobs in every live state are there again when the engine is opened anew, and so are their tickets.
pub fn an_accepted_job_survives_a_restart(bench: &Bench) {
    let running = bench.submit_to("q");
    let lease = bench.take_one("q");
    let retrying = bench.submit_to("q");
    bench.fail(&bench.take_one("q"), secs(60));
    let queued = bench.submit_to("q");
    let scheduled = bench.submit(bench.job_in("q", secs(60)));
    bench.reopen();
    let states = [running, retrying, queued, scheduled].map(|id| bench.state(id));
    let expected = [
        State::Running,
        State::Retrying,
        State::Queued,
        State::Scheduled,
    ]
    .map(Some);
    assert_eq!(states, expected);
    bench.succeed(&lease);
    assert_eq!(bench.take_one("q").ticket().id, queued);
}

/// Q1: what the handler gets, and what is recorded, is what was submitted: every field, every digit.
pub fn a_job_keeps_every_field_and_digit(bench: &Bench) {
    let text =
        r#"{"empty": [], "big":12345678901234567, "exact": 1.50, "text":"ü\u2028\"\\", "o":{}}"#;
    let job = Job {
        payload: json(text),
        tags: vec!["a".to_owned(), "b c".to_owned()],
        max_retries: 2,
        backoff: Backoff::new(secs(1), 3.0, secs(10)).expect("good figures"),
        timeout: Some(secs(77)),
        expires_at: Some(bench.now() + secs(1_000)),
        retry_of: Some(JobId::mint(bench.now(), 7)),
        unique: Some("only one".to_owned()),
        unique_until: Some(bench.now() + secs(500)),
        ..bench.job("q")
    };
    let id = bench.submit(job.clone());
    let whole = |job: &Job| format!("{job:?}");
    assert_eq!(whole(&bench.live(id).job), whole(&job), "as found");
    let lease = bench.take_one("q");
    assert_eq!(whole(lease.job()), whole(&job), "as lent");
    bench.succeed(&lease);
    assert_eq!(
        whole(&bench.ended(id).job),
        whole(&job),
        "as found after its end"
    );
    assert_eq!(whole(&bench.collect(1)[0].job), whole(&job), "as recorded");
}

/// Q1: the line is a line. Jobs of one queue come out in the order in which they went in, across calls.
pub fn a_queue_gives_its_jobs_in_order(bench: &Bench) {
    let mut ids = bench.submit_all(bench.jobs("q", 5));
    ids.extend(bench.submit_all(bench.jobs("q", 3)));
    let mut taken = Vec::new();
    for want in [1, 4, 10] {
        taken.extend(bench.take("q", want).iter().map(|l| l.ticket().id));
    }
    assert_eq!(taken, ids);
}

/// Q6: a submitter whose answer was lost asks again with the same number: same answer, no second job. The trap is
/// that the jobs may have moved on meanwhile, even ended and been forgotten.
pub fn a_repeated_enqueue_changes_nothing(bench: &Bench) {
    let mut call = Call::first("submitter");
    let jobs = bench.jobs("q", 2);
    let both = [submission([jobs[0].clone()]), submission([jobs[1].clone()])];
    let flaky = Flaky::new(bench.engine());
    flaky.lose("enqueue", Lost::Reply);
    flaky.enqueue(&call, &both).expect_err("the reply was lost");
    let accepted = |job: &Job| Submitted::Accepted(vec![Accepted::New(job.id, State::Queued)]);
    let expected = vec![accepted(&jobs[0]), accepted(&jobs[1])];
    assert_eq!(flaky.enqueue(&call, &both).expect("an answer"), expected);
    assert_eq!(bench.numbers("q"), (2, 0, 0));
    bench.succeed(&bench.take_one("q"));
    bench.drain();
    assert_eq!(flaky.enqueue(&call, &both).expect("an answer"), expected);
    assert_eq!(bench.numbers("q"), (1, 0, 0));
    assert_eq!(
        bench.state(jobs[0].id),
        None,
        "an ended job does not come back"
    );
    call.advance();
    let more = [submission([bench.job("q")])];
    flaky
        .enqueue(&call, &more)
        .expect("the next number is a new call");
    assert_eq!(bench.numbers("q"), (2, 0, 0));
}

/// Q6: a request that never arrived leaves nothing behind that the repeat would be taken for.
pub fn a_lost_enqueue_can_be_repeated(bench: &Bench) {
    let call = Call::first("submitter");
    let one = [submission([bench.job("q")])];
    let flaky = Flaky::new(bench.engine());
    flaky.lose("enqueue", Lost::Request);
    flaky
        .enqueue(&call, &one)
        .expect_err("the request was lost");
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    flaky.enqueue(&call, &one).expect("an answer");
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q6: the numbers of two callers have nothing to do with each other, and survive a restart of the engine.
pub fn numbers_belong_to_their_caller(bench: &Bench) {
    let (one, other) = (Call::first("submitter"), Call::first("submitter"));
    let jobs = [submission([bench.job("q")]), submission([bench.job("q")])];
    let engine = bench.engine();
    engine.enqueue(&one, &jobs[..1]).expect("an answer");
    engine.enqueue(&other, &jobs[1..]).expect("an answer");
    drop(engine);
    bench.reopen();
    bench.engine().enqueue(&one, &jobs[..1]).expect("an answer");
    assert_eq!(bench.numbers("q"), (2, 0, 0));
}

/// Q11: the largest call there may be, in many submissions, each answered in order.
pub fn a_thousand_submissions_fit_one_call(bench: &Bench) {
    let jobs = bench.jobs("q", 1_000);
    let all: Vec<_> = jobs.iter().map(|job| submission([job.clone()])).collect();
    let answers = bench.enqueue(&all);
    let ids: Vec<JobId> = answers
        .iter()
        .flat_map(|answer| match answer {
            Submitted::Accepted(jobs) => jobs.iter().map(|a| a.id()).collect::<Vec<_>>(),
            other => panic!("not accepted: {other:?}"),
        })
        .collect();
    assert_eq!(ids, jobs.iter().map(|j| j.id).collect::<Vec<_>>());
    assert_eq!(bench.numbers("q"), (1_000, 0, 0));
}

/// Q5: a delay makes a job wait; a time that has come makes none.
pub fn a_job_for_later_is_scheduled_and_one_for_the_past_is_not(bench: &Bench) {
    let later = bench.job_in("q", secs(10));
    let past = Job {
        run_at: Some(bench.now() - secs(10)),
        ..bench.job("q")
    };
    let answers = bench.enqueue(&[submission([later.clone(), past.clone()])]);
    let expected = vec![
        Accepted::New(later.id, State::Scheduled),
        Accepted::New(past.id, State::Queued),
    ];
    assert_eq!(answers, [Submitted::Accepted(expected)]);
    assert_eq!(bench.live(later.id).due, later.run_at);
    assert_eq!(bench.numbers("q"), (1, 1, 0));
}
