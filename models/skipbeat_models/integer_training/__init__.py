"""The integer oracle of training: whole trainings in int8, by the numbers of `skipbeat_arch.training`."""
