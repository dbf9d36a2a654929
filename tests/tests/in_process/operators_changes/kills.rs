//! Changes that are killed.

use tokensmith_issuer::admin::Administrator;
use tokensmith_issuer::store::records::ChangeOutcome;

use super::every_change::{Work, every_change};
use super::scene::Scene;

/// Killed before any of its calls, and after it: whatever has changed has a record, and the record says whether it was
/// completed.
#[tokio::test]
async fn invariant_14_a_change_that_is_killed_leaves_its_record() {
    for (event, make) in every_change() {
        let (mut after, mut unfinished, mut is_over) = (0, 0, false);
        while !is_over {
            let scene = Scene::new().await;
            let before = (scene.issuer.items().await, scene.all_changes().await);
            is_over = killed_after(after, &scene, make).await;
            let (now, changes) = (scene.issuer.items().await, scene.changes(&before.1).await);
            let is_changed = now
                .iter()
                .any(|(key, item)| !key.starts_with("AUDIT#") && before.0.get(key) != Some(item))
                || before.0.keys().any(|key| !now.contains_key(key));
            assert!(
                !is_changed || !changes.is_empty(),
                "{event}, killed after {after} calls, has changed something without a record"
            );
            let begun = changes
                .iter()
                .filter(|one| one.outcome == ChangeOutcome::Begun);
            unfinished += begun.count();
            assert!(!is_over || changes.iter().all(|one| one.outcome == ChangeOutcome::Done));
            after += 1;
        }
        assert!(
            unfinished > 0,
            "{event} was never killed between its records"
        );
    }
}

/// Lets the change make so many calls, and drops it with the next. Whether it was over before.
async fn killed_after(
    calls: usize,
    scene: &Scene,
    make: for<'a> fn(&'a Scene, &'a Administrator) -> Work<'a>,
) -> bool {
    let admin = scene.operator().await;
    let mut work = make(scene, &admin);
    let mut held = scene.issuer.dynamo.hold();
    let mut released = 0;
    let is_over = loop {
        tokio::select! {
            done = &mut work => {
                done.expect("the change");
                break true;
            }
            attempt = held.recv() => {
                if released == calls {
                    break false;
                }
                attempt.expect("an attempt").release(None);
                released += 1;
            }
        }
    };
    drop(work);
    scene.issuer.dynamo.unhold();
    is_over
}
