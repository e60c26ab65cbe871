"""The page: ``page`` is the events and the API, ``widgets`` what is seen, ``engine`` the work, ``words`` the text."""
