"""Who can be tested: sources say what is offered, and one merged, filtered supply comes out."""
