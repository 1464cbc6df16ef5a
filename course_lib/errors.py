"""The one error that a user can meet and mend."""


class CourseError(Exception):
    """Its message is one sentence that says what is wrong and what to do about it."""
