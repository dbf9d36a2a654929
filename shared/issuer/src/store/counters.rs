use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use tokensmith_verifier::Timestamp;

use super::change::Expressions;
use super::item::{Item, read_number};
use super::reader::{failed, incomplete};
use super::{AnyKey, Key, StoreError};

/// The counters of what is limited, with the one verb on them: whoever holds this, and no [`Table`], can write nothing else. Cheap
/// to clone.
///
/// [`Table`]: super::Table
#[derive(Clone, Debug)]
pub struct Counters {
    /// It repeats nothing, because an addition is not safe to repeat.
    client: Client,
    name: String,
}

impl Counters {
    /// The counters in the table called `name`, reached by `client`.
    pub fn new(client: &Client, name: impl Into<String>) -> Self {
        let config = client.config().to_builder();
        let config = config.retry_config(RetryConfig::disabled()).build();
        Self {
            client: Client::from_conf(config),
            name: name.into(),
        }
    }

    /// Adds `permits` to the counter `name`, unless the sum would be over `at_most` (`UpdateItem`). DynamoDB may delete the counter after
    /// `expires_at`.
    ///
    /// A lease whose answer is lost may have been added. It is never repeated, so that the sum is never smaller than what was
    /// leased.
    pub async fn lease(
        &self,
        name: &str,
        permits: u64,
        at_most: u64,
        expires_at: Timestamp,
    ) -> Result<Leased, StoreError> {
        let key = Key::<()>::single("COUNT", name);
        let expressions = Expressions::lease(COUNTER, permits, at_most, expires_at.seconds());
        let outcome = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.to_item()))
            .update_expression(expressions.update)
            .set_condition_expression(expressions.condition)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(Some(expressions.values))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .await;
        match outcome {
            Ok(answer) => {
                let leased = answer.attributes.as_ref().and_then(sum);
                let leased = leased.ok_or_else(|| incomplete("UpdateItem", NO_SUM.into()))?;
                Ok(Leased::Granted(leased))
            }
            Err(err) => match err.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    let leased = match &refusal.item {
                        Some(item) => {
                            sum(item).ok_or_else(|| incomplete("UpdateItem", NO_SUM.into()))?
                        }
                        None => 0,
                    };
                    Ok(Leased::Refused(leased))
                }
                _ => Err(failed("UpdateItem", &err)),
            },
        }
    }

    /// Makes sure that permits can be leased, by a lease that is always refused: it writes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.lease("check", 1, 0, Timestamp::default()).await?;
        Ok(())
    }
}

fn sum(item: &Item) -> Option<u64> {
    read_number(item, COUNTER)
}

/// The outcome of a lease.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leased {
    /// The permits are leased; the counter is at this sum now.
    Granted(u64),
    /// The counter is at this sum, and has no room for them.
    Refused(u64),
}

const COUNTER: &str = "counter";
const NO_SUM: &str = "no counter came back";
