"""The composer's own continuation, the guess and the votes, in Chromium and without a browser."""
