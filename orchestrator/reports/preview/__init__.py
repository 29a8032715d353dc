"""What merging a request would do, as a comment in Markdown and as a page in HTML; pure.

Texts of others (names, values, errors) stand in code alone, where no forge sees mentions, commands or markup in
them. What is about forges themselves does not belong here.
"""
