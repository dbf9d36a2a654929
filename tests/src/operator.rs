use async_trait::async_trait;
use tokensmith_issuer::admin::{Operator, UnknownOperator};

/// Who makes the changes of a scenario.
#[derive(Debug)]
pub struct TestOperator;

#[async_trait]
impl Operator for TestOperator {
    async fn name(&self) -> Result<String, UnknownOperator> {
        Ok("a test".to_owned())
    }
}
