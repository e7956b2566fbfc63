"""The display: screens, frame-accurate presenting, and the process that serves them to the loop."""
