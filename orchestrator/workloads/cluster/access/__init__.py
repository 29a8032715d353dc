"""Which API server is meant, how it is reached, and who we are to it: kubeconfig files, credentials, proxies.

Nothing of what is asked of a server belongs here; credential plugins are run from here alone.
"""
