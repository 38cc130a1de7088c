"""Fine-tune the base model on the assembled set: TRL SFT with LoRA, loss on the assistant's tokens only."""
