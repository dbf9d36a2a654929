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
        let room = at_most.saturating_sub(permits);
        let expressions = Expressions::lease(COUNTER, permits, room, expires_at.seconds());
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
        let sum = |item: Option<Item>| {
            let sum = item.and_then(|item| read_number(&item, COUNTER));
            sum.ok_or_else(|| incomplete("UpdateItem", "no counter came back".into()))
        };
        match outcome {
            Ok(answer) => Ok(Leased::Granted(sum(answer.attributes)?)),
            Err(err) => match err.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    Ok(Leased::Refused(sum(refusal.item.clone())?))
                }
                _ => Err(failed("UpdateItem", &err)),
            },
        }
    }
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
