"""What a managed lane's own log tells about a job.

`line.read` takes a line apart, `table` knows the messages of go-livepeer, `answers` the words in
which an orchestrator or the connection to it fails, `payments` those in which the gateway does
not pay, `explain.explain` puts a job's lines together into a cause, `startup` says why a gateway
did not start, and `redact` hides secrets beforehand.

Who is believed. The gateway writes an orchestrator's error text into its log as it comes, line
breaks included, so any line may be that text. A line counts only if its header names the
process of the lane, and as a line of the job only if the gateway's own prefix (client, request
id, prompt, capability, model) stands at its very start; an orchestrator is told neither the
process id nor the request id. A process id can be guessed, though: a line that names no request
counts only if no words of others stand between it and the job's own last line. All else is kept
as it is and believed in nothing, and lines that imitate the gateway's own keep the log from
settling any blame. What remains is the text itself: with it an orchestrator can claim a cause for
its own failure ("insufficient capacity"), as it can without any log, and can never speak for
another job or another party.
"""
