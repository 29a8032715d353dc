"""What Terraform writes, as data: messages, plans, state and the declarations of a module.

What belongs here: pure readers. What does not: files, processes and everything else that can fail twice differently.
"""
