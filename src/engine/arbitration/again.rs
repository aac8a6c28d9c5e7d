//! An order that the device contradicted is given once more.

use crate::engine::arbitration::room;
use crate::engine::decision::Decision;
use crate::engine::go_on::{stands, step_over};
use crate::engine::memory::StepFailure;
use crate::engine::order;
use crate::engine::run::Run;
use crate::engine::wait::Wait;
use crate::engine::walk::view;
use crate::engine::{Scene, capabilities};
use crate::rules::rule::CommandOperation;

/// Gives the order of the step at which `run` stands, after so many attempts that came to nothing. The run has
/// the device, and this is a further attempt: it asks for room, and not for the pause between orders.
pub(in crate::engine) fn order_again(
    scene: Scene<'_>,
    run: &Run,
    (order, attempts): (&CommandOperation, u32),
    decision: &mut Decision,
) {
    let deadline = run.memory.terms.as_ref().and_then(|it| it.deadline);
    let command = match room::full(scene, &order.device, decision) {
        _ if deadline.is_some_and(|it| it <= scene.now) => {
            let said = "there is no time left to order it again".to_owned();
            Err(StepFailure::of_timeout(said))
        }
        Some(reason) => Err(StepFailure::of_step(reason)),
        None => {
            let command = order::again(run, order, attempts, view(scene, run, decision));
            command.map_err(StepFailure::of_step)
        }
    };
    let command = command.map_err(Box::new);
    let command = command.and_then(|it| match capabilities::refuse_command(scene, &it) {
        Some(failure) => Err(Box::new(failure)),
        None => Ok(it),
    });
    let mut run = run.clone();
    match command {
        Ok(command) => {
            let said = format!(
                "ordered `{}` of `{}` again",
                command.name, order.device.alias
            );
            run.wait = Some(Wait::Command {
                command: command.id.clone(),
                earlier: attempts,
            });
            run.until = deadline;
            decision.order(command, scene.now);
            stands(scene, run, said, decision);
        }
        Err(failure) => {
            let said = failure.reason.clone();
            step_over(scene, run, (said, Some(*failure)), decision);
        }
    }
}
