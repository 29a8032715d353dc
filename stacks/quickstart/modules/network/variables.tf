variable "cidr" {
  description = "Address range of the whole network."
  type        = string

  validation {
    condition     = can(cidrsubnet(var.cidr, 8, 0))
    error_message = "The range must be a CIDR block with room for /8 more, such as 10.20.0.0/16."
  }
}

variable "zones" {
  description = "Zones that get a private subnet each."
  type        = list(string)
}
