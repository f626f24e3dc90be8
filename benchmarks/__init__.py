"""What the README's figures come from: each figure beside a reference that ran in the same run."""
