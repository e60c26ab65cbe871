"""The page: ``page`` is the events and the API, ``widgets`` what is seen, ``studio`` the work, ``words`` the text."""
