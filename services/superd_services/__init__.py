"""The built-in services, one package each: ``SERVICE`` describes it, ``protocol`` holds its machines."""
