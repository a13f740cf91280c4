"""The test cases of the Open Charge Alliance's certification, as far as they ask something of a central system."""
